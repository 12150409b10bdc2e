// The body of a function that gives a promise of {url, gone}: a server for the tests, in the tests' own process.
// `gone` is the address of a port on which nothing listens any more.
const http = process.getBuiltinModule("node:http");

let release = null;
let sent = 0;
const closed = {};

const handlers = {
  "/echo": (request, answer) => {
    const pieces = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => {
      const { method, headers } = request;
      const body = Buffer.concat(pieces).toString("hex");
      answer.writeHead(200, { "X-Tsink-Test": "seen" }).end(JSON.stringify({ method, headers, body }));
    });
  },
  // Holds its second piece back until somebody asks for /release.
  "/stream": (_, answer) => {
    answer.write("one");
    release = () => answer.end("two");
  },
  "/release": (_, answer) => {
    release?.();
    answer.end();
  },
  // 64 MiB in pieces of 64 KiB, each filled with its number; as fast as they are taken. /sent says how many went out.
  "/large": (_, answer) => {
    sent = 0;
    const more = () => {
      while (sent < 1024) if (!answer.write(Buffer.alloc(65536, sent++ % 251))) return void answer.once("drain", more);
      answer.end();
    };
    more();
  },
  "/sent": (_, answer) => void answer.end(String(sent)),
  "/silent": () => {},
  "/half": (_, answer) => void answer.write("half"),
  "/reset": (request) => void request.socket.destroy(),
  "/broken": (_, answer) => {
    answer.writeHead(200, { "Content-Length": "1000" });
    answer.write("some", () => setImmediate(() => answer.destroy()));
  },
  "/empty": (_, answer) => void answer.writeHead(204).end(),
  // Not snappy at all: nobody may try to decode it.
  "/snappy": (_, answer) => void answer.writeHead(200, { "Content-Encoding": "snappy" }).end("raw"),
  "/gzip": (_, answer) => {
    const gzip = process.getBuiltinModule("node:zlib").gzipSync("plain");
    answer.writeHead(200, { "Content-Encoding": "gzip" }).end(gzip);
  },
  // Compressed, and whole as far as HTTP goes, but without its end.
  "/torn": (_, answer) => {
    const gzip = process.getBuiltinModule("node:zlib").gzipSync("plain".repeat(1000));
    answer.writeHead(200, { "Content-Encoding": "gzip" }).end(gzip.subarray(0, 30));
  },
  "/moved": (_, answer) => void answer.writeHead(302, { Location: "/echo?token=x" }).end(),
  // How often a request to ?of=PATH was closed by its sender before its answer was complete.
  "/closed": (request, answer) => {
    const of = new URL(request.url, "http://x").searchParams.get("of");
    answer.end(String(closed[of] ?? 0));
  },
};

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

const server = http.createServer((request, answer) => {
  const path = request.url.split("?")[0];
  answer.on("close", () => {
    if (!answer.writableFinished) closed[path] = (closed[path] ?? 0) + 1;
  });
  (handlers[path] ?? ((_, other) => void other.writeHead(404).end()))(request, answer);
});
// The tests end when they are done, not when the server is.
server.unref();

return (async () => {
  const away = http.createServer();
  const gone = await listen(away);
  await new Promise((resolve) => away.close(resolve));
  return { url: await listen(server), gone };
})();
