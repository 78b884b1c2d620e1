// @tus/server as its README starts it, with nothing set but where it listens and stores.
// Usage: node tus-node-server.cjs PACKAGES HOST PORT DIRECTORY
const { createRequire } = require("node:module");

const [packages, host, port, directory] = process.argv.slice(2);
const needs = createRequire(`${packages}/`);
const { Server } = needs("@tus/server");
const { FileStore } = needs("@tus/file-store");

const server = new Server({ path: "/files", datastore: new FileStore({ directory }) });
const listening = server.listen({ host, port: Number(port) }, () => {
  console.log(`listening on http://${host}:${listening.address().port}`);
});
