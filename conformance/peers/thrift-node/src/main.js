// A Thrift server and client of the conformance suite, made with Apache Thrift for Node.
"use strict";

const args = Object.fromEntries(pairs(process.argv.slice(3)));

function pairs(words) {
  const found = [];
  for (let i = 0; i + 1 < words.length; i += 2) found.push([words[i].replace(/^--/, ""), words[i + 1]]);
  return found;
}

if (process.argv[2] === "server") {
  require("./server").run();
} else {
  const targets = args.target.split(",").map((target) => {
    const [dialect, address] = target.split("=");
    const [host, port] = address.split(":");
    return { dialect, host, port: Number(port) };
  });
  require("./suite")
    .run(args.suite, args.with, targets)
    .then((ok) => process.exit(ok ? 0 : 1));
}
