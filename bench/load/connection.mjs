import { connect } from 'node:net';

/**
 * One keep-alive connection that sends ready-made bytes and reads whole answers: as little work as a client can do, so
 * that the server is what is measured.
 */
export class Connection {
  #socket;
  #received = '';
  #waiting;

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text) => this.#read(text));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error(`the server closed the connection: ${this.#received}`)));
  }

  static open(port) {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends a request and gives the head of its answer. */
  exchange(bytes) {
    const answer = this.answer();
    this.#socket.write(bytes);
    return answer;
  }

  /** The head of the next answer, once its body has come too. */
  answer() {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Sends `bytes`; resolves when the socket wants more. */
  write(bytes) {
    if (this.#socket.write(bytes)) return undefined;
    return new Promise((resolve) => this.#socket.once('drain', resolve));
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #read(text) {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0 || !this.#waiting) return;
    const head = this.#received.slice(0, headEnd);
    const body = this.#received.slice(headEnd + 4);
    if (!isWhole(head, body)) return;
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    this.#received = '';
    resolve(head);
  }

  #fail(error) {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/** The benchmark's answers have no body, or a short one that comes with a length or in chunks. */
function isWhole(head, body) {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return body.endsWith('0\r\n\r\n');
  const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  return body.length >= Number(length);
}
