import { Connection } from './connection.mjs';
import { create, expectStatus, patch } from './requests.mjs';

const BLOCK = Buffer.alloc(64 * 1024, 'nestjs-tus ');

/** Sends `bytes` in one PATCH, from one buffer again and again. Gives the seconds until it was answered. */
export async function bigPatch({ port, bytes }) {
  const path = await create(port, bytes);
  const connection = await Connection.open(port);
  const answered = connection.answer();
  // The loop below may be waiting when this fails; it is awaited at the end.
  answered.catch(() => connection.close());

  const begin = performance.now();
  await connection.write(patch(path, bytes));
  for (let left = bytes; left > 0; left -= BLOCK.length) {
    await connection.write(left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK);
  }
  const answer = await answered;
  const seconds = (performance.now() - begin) / 1000;

  connection.close();
  expectStatus(answer, 204);
  if (!new RegExp(`\\r\\nupload-offset: ${bytes}(\\r\\n|$)`, 'i').test(answer)) {
    throw new Error(`not all bytes were stored:\n${answer}`);
  }
  return { seconds };
}
