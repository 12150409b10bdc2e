// Starts the engine in this worker. The query of its own address names the page's build; handed on to the engine's
// script and module, it keeps every cache from giving those of another build.
const file = (name) => new URL(name + self.location.search, import.meta.url);
try {
  const [{ default: start }, module] = await Promise.all([import(file("engine.js")), fetch(file("engine_bg.wasm"))]);
  if (!module.ok) throw new Error(`the server answers ${module.status} for engine_bg.wasm`);
  await start({ module_or_path: module });
} catch (error) {
  // The engine's own messages are bytes; a text is a failure to start it.
  self.postMessage(error.message);
}
