'use strict';

const { error: TarsError, server: { createServer } } = require('@tars/rpc');
const { BinBuffer, TarsInputStream, TarsOutputStream, Tup, UniAttribute } = require('@tars/stream');

const SERVANT = 'Wireloom.Peer.EchoObj';
const notes = new Map();

/** What tars2node generates, by hand: a function takes its argument from tag 1 and puts its result under 0. */
class EchoImp {
  initialize() {}

  onDispatch(current, name, content) {
    const functions = { tars_ping, echo, slow, fail, note, noted, context };
    if (!Object.hasOwn(functions, name)) {
      return TarsError.SERVER.FUNC_NOT_FOUND;
    }
    const version = current.getRequestVersion();
    const isTup = version === Tup.TUP_SIMPLE || version === Tup.TUP_COMPLEX;
    let argument = '';
    if (isTup && name !== 'tars_ping') {
      const tup = new UniAttribute();
      tup.tupVersion = version;
      tup.decode(content);
      argument = tup.readString('argument');
    } else if (!isTup) {
      argument = new TarsInputStream(content).readString(1, false, '');
    }
    const answer = text => {
      if (isTup) {
        const tup = new UniAttribute();
        tup.tupVersion = version;
        tup.writeString('', text);
        current.doResponse(tup.encode());
      } else {
        const out = new TarsOutputStream();
        out.writeString(0, text);
        current.doResponse(out.getBinBuffer());
      }
    };
    functions[name](argument, answer, current);
    return TarsError.SUCCESS;
  }
}

function tars_ping(_, answer) { answer('pong of the server'); }
function echo(text, answer) { answer(text); }
function slow(millis, answer) { setTimeout(answer, Number(millis), `slept ${millis}`); }
/** A return code of the service's own, as an exception of its implementation comes out. */
function fail(code, _, current) { current.sendErrorResponse(Number(code), `failed with ${code}`); }
function note(token, answer) {
  notes.set(token, (notes.get(token) || 0) + 1);
  answer('');
}
function noted(token, answer) { answer(String(notes.get(token) || 0)); }
function context(key, answer, current) {
  current.setResponseContext({ 'x-answer': 'a context of the answer' });
  answer(current.getContext().get(key) || '');
}

/** Resolves once it accepts. */
exports.serve = port => new Promise((ready, failed) => {
  const server = createServer(EchoImp);
  server.start({ servant: SERVANT, endpoint: `tcp -h 127.0.0.1 -p ${port} -t 600000`, protocol: 'tars', maxconns: 1000 });
  const { _listener: listener } = server._server._adapters[0]._netthread;
  listener.once('error', failed);
  listener.listening ? ready() : listener.once('listening', ready);
});
exports.SERVANT = SERVANT;
