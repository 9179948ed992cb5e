import { once } from 'node:events';
import { connect } from 'node:net';
import { MalformedAnswer, readAnswer } from './read-answer.mjs';

/** What happened to a request that got no answer. */
export const CLOSED = 'closed';
export const SILENT = 'silent';
const MOST_SHOWN_BYTES = 1_000;

/**
 * A connection that sends exactly the given bytes, and reads answers strictly. Answers belong to requests in the order in which
 * `expect` named them.
 */
export class Connection {
  /** Set when the server said what no server may say. */
  malformed;
  /** What was sent, for a reproduction: its sender says it. */
  sent = [];
  isClosed = false;
  /** True when a request was sent for which the server may wait without end. */
  mayStandStill = false;
  #received = Buffer.alloc(0);
  #expected = [];
  #mayAnswerMore = false;

  constructor(socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#read(false);
    });
    // What follows an error is 'close'.
    socket.on('error', () => undefined);
    socket.on('end', () => this.#read(true));
    socket.on('close', () => {
      this.isClosed = true;
      this.#read(true);
      for (const { settle } of this.#expected.splice(0)) settle(CLOSED);
    });
  }

  static async open(port) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  /** Resolves when the kernel has the bytes, or the connection is gone. */
  async send(bytes) {
    if (this.isClosed) return;
    await new Promise((resolve) => {
      this.socket.once('close', resolve);
      this.socket.write(bytes, () => {
        this.socket.off('close', resolve);
        resolve();
      });
    });
  }

  /**
   * The answer to the next request on this connection.
   * @param boundMs how long it may take; then SILENT
   * @returns the answer, CLOSED or SILENT; never rejects
   */
  expect(method, boundMs) {
    if (this.isClosed) return Promise.resolve(CLOSED);
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(SILENT), boundMs);
      const settle = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      this.#expected.push({ method, settle });
      this.#read(false);
    });
  }

  /** From now on the server may see more requests in what was sent than were expected. */
  allowMoreAnswers() {
    this.#mayAnswerMore = true;
  }

  /** True when the server has begun an answer to what was a request without doubt, and not ended it. */
  get hasTornAnswer() {
    return this.#received.length > 0 && !this.#mayAnswerMore && this.malformed === undefined;
  }

  /** The start of what has come and is no whole answer. */
  get tornAnswer() {
    return this.#received.subarray(0, MOST_SHOWN_BYTES).toString('latin1');
  }

  end() {
    this.socket.end();
  }

  pauseReading() {
    this.socket.pause();
  }

  destroy() {
    this.socket.destroy();
  }

  reset() {
    this.socket.resetAndDestroy();
  }

  #read(atEnd) {
    try {
      while (this.#received.length > 0 && this.malformed === undefined) {
        const [expected] = this.#expected;
        if (!expected && this.#mayAnswerMore) return;
        const answer = readAnswer(this.#received, expected?.method ?? 'GET', atEnd);
        if (!answer) return;
        if (!expected) throw new MalformedAnswer(`${answer.status} that no request asked for`);
        if (answer.status === 101) throw new MalformedAnswer('101 that no request asked for');
        this.#received = this.#received.subarray(answer.length);
        if (answer.status < 200) continue;
        this.#expected.shift();
        expected.settle(answer);
      }
    } catch (error) {
      if (!(error instanceof MalformedAnswer)) throw error;
      const start = this.tornAnswer;
      this.malformed = { reason: error.message, start };
      this.destroy();
    }
  }
}
