import { open } from 'node:fs/promises';
import { serveBare } from './bare.mjs';

/** Bytes that may wait while a write is under way; then the request is paused. */
const MOST_GATHERED = 2 ** 20;

serveBare(async (body, path) => {
  const file = await open(path, 'a');
  try {
    await gather(body, file);
  } finally {
    await file.close();
  }
});

/** What comes while a write is under way goes out in the next one. */
function gather(body, file) {
  return new Promise((resolve, reject) => {
    let gathered = [];
    let bytes = 0;
    let writing = false;
    let ended = false;

    const write = () => {
      if (writing) return;
      if (bytes === 0) {
        if (ended) resolve();
        return;
      }
      writing = true;
      const chunks = gathered;
      gathered = [];
      bytes = 0;
      body.resume();
      file.writev(chunks).then(() => {
        writing = false;
        write();
      }, reject);
    };
    body.on('data', (chunk) => {
      gathered.push(chunk);
      bytes += chunk.length;
      if (bytes >= MOST_GATHERED) body.pause();
      write();
    });
    body.on('end', () => {
      ended = true;
      write();
    });
    body.on('error', reject);
  });
}
