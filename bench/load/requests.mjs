import { Connection } from './connection.mjs';

const COLLECTION = '/files/';
const TUS = 'Host: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\n';
const OFFSET_STREAM = 'Content-Type: application/offset+octet-stream\r\n';

export const post = (headers) => `POST ${COLLECTION} HTTP/1.1\r\n${TUS}${headers}\r\n`;
export const creation = (length) => post(`Upload-Length: ${length}\r\nContent-Length: 0\r\n`);
export const creationWithUpload = (length) =>
  post(`Upload-Length: ${length}\r\n${OFFSET_STREAM}Content-Length: ${length}\r\n`);
export const patch = (path, length) =>
  `PATCH ${path} HTTP/1.1\r\n${TUS}${OFFSET_STREAM}Upload-Offset: 0\r\nContent-Length: ${length}\r\n\r\n`;
export const head = (path) => `HEAD ${path} HTTP/1.1\r\n${TUS}\r\n`;

/** @throws Error with the answer, if it is not the one that was to come */
export function expectStatus(answer, status) {
  if (!answer.startsWith(`HTTP/1.1 ${status} `)) throw new Error(`expected ${status}, got:\n${answer}`);
}

/** Creates an upload and gives its path on the server. */
export async function create(port, length) {
  const connection = await Connection.open(port);
  const answer = await connection.exchange(creation(length));
  connection.close();
  expectStatus(answer, 201);
  const [, location] = /\r\nlocation: (\S+)/i.exec(answer) ?? [];
  return new URL(location, 'http://127.0.0.1').pathname;
}
