import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

/**
 * No upload server at all: the least that Node does to put a request's body into a file. It checks nothing, knows no
 * protocol and keeps no info; it answers as if it did, so that the same load can be sent.
 *
 * @param store stores a request's body in the file at `path`
 */
export function serveBare(store) {
  const [port, folder] = process.argv.slice(2);
  mkdirSync(folder, { recursive: true });

  async function answer(req, res) {
    if (req.method === 'POST') {
      const id = randomBytes(16).toString('hex');
      await store(req, join(folder, id));
      res.writeHead(201, { Location: `/files/${id}`, 'Content-Length': 0 }).end();
      return;
    }
    const path = join(folder, req.url.slice('/files/'.length));
    if (req.method === 'PATCH') await store(req, path);
    const { size } = await stat(path);
    res.writeHead(req.method === 'PATCH' ? 204 : 200, { 'Upload-Offset': size }).end();
  }

  const server = createServer((req, res) => {
    answer(req, res).catch((error) => {
      console.error(error);
      res.destroy(error);
    });
  });
  server.requestTimeout = 0;
  server.listen(Number(port), '127.0.0.1');
}
