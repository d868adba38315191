'use strict';

// Failures that the proxy makes, picked by the metadata key `x-case`, as the application sees them.

const { UNIMPLEMENTED, UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED } = require('@grpc/grpc-js').status;
const { Relay } = require('./relay');
const { check, equal } = require('./suite');
const { open, stream, unary } = require('./world');

// Case, codes of which one is right, what the message must contain.
const CASES = [
  ['no-route', [UNIMPLEMENTED], 'no route'],
  ['no-endpoint', [UNAVAILABLE], 'no endpoint'],
  ['refused', [UNAVAILABLE], 'connect'],
  ['timeout', [DEADLINE_EXCEEDED], 'timed out'],
  ['overloaded', [UNAVAILABLE, RESOURCE_EXHAUSTED], 'overloaded'],
  ['reset', [UNAVAILABLE], 'reset'],
];

// Far below the client's own deadline, so that the failure is the proxy's. Seconds.
const QUICK = 15;
const DEADLINE = 50;

exports.scenarios = (options) => {
  let relay;
  let client;

  async function good() {
    equal('good', (await unary(client, 'Echo', { text: 'good' }, { seconds: DEADLINE }).answer).text);
  }

  async function judged(promise, codes, text) {
    const start = Date.now();
    let answer;
    try {
      answer = await promise;
    } catch (e) {
      const took = (Date.now() - start) / 1000;
      check(codes.includes(e.code), `code ${e.code} with ${JSON.stringify(e.details)}`);
      check(e.details.includes(text), `the message lacks "${text}": ${JSON.stringify(e.details)}`);
      check(took < QUICK, `the failure took ${took} s`);
      return `${e.code}: ${e.details}`;
    }
    throw new Error(`expected one of ${codes} but got ${JSON.stringify(answer)}`);
  }

  const more = (name) => ({ entries: [['x-case', name]], seconds: DEADLINE });

  const single = ([name, codes, text]) => [name, () => judged(unary(client, 'Echo', { text: 'x' }, more(name)).answer, codes, text)];

  const streamed = ([name, codes, text]) => [`${name}-stream`, () => {
    // Not half-closed: the failure must come all the same.
    const chat = stream(client, 'Chat', null, more(name));
    chat.write({ text: 'x' });
    return judged(chat.read(), codes, text);
  }];

  return [
    ['before-errors', async () => {
      // Behind a relay of the test's own, which counts connections.
      relay = await Relay.start(options.target);
      client = open(relay.target);
      await good();
    }],
    ...CASES.map(single),
    ...CASES.filter(([name]) => name !== 'timeout').map(streamed),
    ['after-errors', async () => {
      await good();
      equal(1, relay.up.length, 'connections');
    }],
  ];
};
