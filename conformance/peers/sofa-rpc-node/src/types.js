'use strict';

const path = require('path');
const protobuf = require('protobufjs');

const SERVICE = 'org.wireloom.peer.EchoService';
const PERSON = 'org.wireloom.peer.Person';
const COLOUR = 'org.wireloom.peer.Colour';

/** The Java fields of what travels as an object, in the form the hessian encoder compiles from. */
const classMap = {
  [PERSON]: {
    name: { type: 'java.lang.String' },
    age: { type: 'int' },
    born: { type: 'java.util.Date' },
    favourite: { type: COLOUR, isEnum: true },
    tags: { type: 'java.util.List', generic: [{ type: 'java.lang.String' }] },
    scores: { type: 'java.util.Map', generic: [{ type: 'java.lang.String' }, { type: 'java.lang.Integer' }] },
    friends: { type: 'java.util.List', generic: [{ type: PERSON }] },
  },
};

/** The protobuf form of the service, spoken between Node peers. */
const proto = protobuf.loadSync(path.join(__dirname, 'echo.proto'));

/** A typed Java value. */
function java(type, value) {
  return { $class: type, $: value };
}

function samplePerson() {
  const friend = {
    name: 'Grün 🌲', age: 7, born: new Date(0), favourite: { name: 'GREEN' }, tags: [], scores: {}, friends: [],
  };
  return {
    name: 'Ada 李',
    age: 36,
    born: new Date(1700000000123),
    favourite: { name: 'BLUE' },
    tags: [ 'one', '', 'drei' ],
    scores: { chess: 1, go: -70000 },
    friends: [ friend ],
  };
}

module.exports = { SERVICE, PERSON, classMap, proto, java, samplePerson };
