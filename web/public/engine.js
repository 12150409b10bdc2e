// Starts the engine in this worker. The page sends the address of its own script and its compiled module, so
// that both are always of the same build and nothing is transferred twice. This file never changes with a
// build: it may keep its name.
self.onmessage = async ({ data }) => {
  try {
    const { default: start } = await import(data.script);
    await start({ module_or_path: data.module });
  } catch (error) {
    // Outside the promise it reaches the page as the worker's `error` event.
    setTimeout(() => { throw error; });
  }
};
