// Amazon's own validator of what SNS says: which of the messages on standard input it believes, as a list on standard output.
// It asks for the certificate at an address of this machine: that address is not among what is signed.
const fs = require("fs");
const https = require("https");
const Validator = require("sns-validator");

const [key, cert, certificate] = process.argv.slice(2).map((file) => fs.readFileSync(file));
const messages = JSON.parse(fs.readFileSync(0, "utf8"));
const server = https.createServer({ key, cert }, (_, response) => response.end(certificate));

server.listen(0, "127.0.0.1", async () => {
  const url = `https://localhost:${server.address().port}/certificate.pem`;
  const validator = new Validator(/^localhost(:[0-9]+)?$/);
  const believed = (message) =>
    new Promise((resolve) => validator.validate({ ...message, SigningCertURL: url }, (error) => resolve(!error)));
  const answers = [];
  for (const message of messages) answers.push(await believed(message));
  process.stdout.write(JSON.stringify(answers));
  server.close();
  server.closeAllConnections();
});
