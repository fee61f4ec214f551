// A host in Node.js, from docs/protocol.md alone, with no package: submits a job, shows its progress
// and its result's names. Node cannot pass descriptors, so a job here names no tensors, and those of
// a result stay with the service (`tandem wait` writes them).
//
//   node host.mjs JOB.json [SOCKET]
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

const FRAME_VERSION = 1, HEADER_BYTES = 16, MOST_JSON = 16 << 20;

function frame(message) {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEADER_BYTES);
  head.write('TNDM', 0, 'latin1');
  head.writeUInt16LE(FRAME_VERSION, 4);  // then: no descriptors, in two bytes
  head.writeUInt32LE(body.length, 8);
  return Buffer.concat([head, body]);
}

class Host {
  #socket; #received = Buffer.alloc(0); #waiting = new Map(); #next = 1;

  constructor(path, onEvent) {
    this.onEvent = onEvent;
    this.#socket = connect(path);
    this.#socket.on('data', (data) => this.#receive(data));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the service closed the connection')));
  }

  request(type, keys = {}) {
    const id = this.#next++;
    this.#socket.write(frame({ id, type, ...keys }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  close() { this.#socket.end(); }

  #receive(data) {
    this.#received = Buffer.concat([this.#received, data]);
    while (this.#received.length >= HEADER_BYTES) {
      const length = this.#received.readUInt32LE(8);
      const isFrame = this.#received.toString('latin1', 0, 4) === 'TNDM' &&
        this.#received.readUInt16LE(4) === FRAME_VERSION && length <= MOST_JSON;
      if (!isFrame) return this.#socket.destroy(new Error('the service sent no frame'));
      if (this.#received.length < HEADER_BYTES + length) return;
      const body = this.#received.toString('utf8', HEADER_BYTES, HEADER_BYTES + length);
      this.#received = this.#received.subarray(HEADER_BYTES + length);
      this.#handle(JSON.parse(body));
    }
  }

  #handle(message) {
    if (message.event === 'error') return this.#fail(refusal(message.error));
    if (message.event) return this.onEvent(message);
    const { resolve, reject } = this.#waiting.get(message.id) ?? {};
    this.#waiting.delete(message.id);
    if (message.ok) resolve?.(message);
    else reject?.(refusal(message.error));
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function refusal(error) {
  return new Error(`${error.message} [${error.code}]` + (error.hint ? `\nhint: ${error.hint}` : ''));
}

function show(event) {
  if (event.event === 'step') console.error(`step ${event.step}/${event.total}`);
  if (event.event === 'phase') console.error(event.phase + (event.file ? ` ${event.file}` : ''));
  if (event.event === 'warning') console.error(`warning: ${event.message}`);
}

const [jobFile, path = process.env.TANDEM_SOCKET ??
  `${process.env.XDG_RUNTIME_DIR}/tandem/tandem.sock`] = process.argv.slice(2);
const host = new Host(path, show);
try {
  await host.request('hello', { protocol: [1, 1], client: 'host.mjs' });
  const { job } = await host.request('submit', { job: JSON.parse(readFileSync(jobFile, 'utf8')) });
  const result = await host.request('result', { job });
  console.log(JSON.stringify({ job, state: result.state, outputs: result.outputs }));
} catch (error) {
  console.error(`host.mjs: ${error.message}`);
  process.exitCode = 1;
}
host.close();
