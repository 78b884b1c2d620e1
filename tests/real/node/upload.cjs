// One upload by tus-js-client; prints the upload's URL. The client is found by NODE_PATH.
// Usage: node upload.cjs PROTOCOL ENDPOINT FILE
const fs = require("node:fs");
const { Upload } = require("tus-js-client");

const [protocol, endpoint, file] = process.argv.slice(2);
const upload = new Upload(fs.createReadStream(file), {
  endpoint,
  protocol,
  uploadSize: fs.statSync(file).size,
  metadata: { filename: "f.bin", filetype: "application/octet-stream" },
  onSuccess: () => console.log(upload.url),
  onError: (error) => {
    console.error(String(error));
    process.exitCode = 1;
  },
});
upload.start();
