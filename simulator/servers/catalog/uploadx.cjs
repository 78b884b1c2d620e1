// @uploadx/core alone on Node's HTTP server, with nothing set but where it stores.
// Usage: node uploadx.cjs PACKAGES HOST PORT DIRECTORY
const { createRequire } = require("node:module");
const http = require("node:http");

const [packages, host, port, directory] = process.argv.slice(2);
const { uploadx } = createRequire(`${packages}/`)("@uploadx/core");

const uploads = uploadx({ uploadDir: directory });
const server = http.createServer(uploads);
server.listen(Number(port), host, () => {
  console.log(`listening on http://${host}:${server.address().port}`);
});
