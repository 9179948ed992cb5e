import http2 from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryLocker, StoreComposer, TusHandler } from '@nestjs-tus/core';
import { FileStore } from '@nestjs-tus/file-store';
import { eventually } from '../harness/eventually.js';
import { startInProcess } from '../harness/in-process-server.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { storeUpload } from '../harness/tus-requests.js';

it('a download over HTTP/2 is cut when its reader takes nothing, and the other streams go on', async () => {
  const store = new FileStore({ directory: await temporaryFolder() });
  const locker = new MemoryLocker();
  const { url } = await startInProcess({ store, locker });
  const path = new URL(await storeUpload(url, Buffer.alloc(8 * 1024 * 1024, 'x'))).pathname;
  const handler = new TusHandler({ storeComposer: StoreComposer.of(store, locker), networkTimeout: 200 });
  const server = http2.createServer(
    (req, res) => void handler.handle(req as unknown as IncomingMessage, res as unknown as ServerResponse),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    const stalled = session.request({ ':path': path });
    let isClosed = false;
    stalled.on('error', () => undefined).on('close', () => (isClosed = true));
    await new Promise((resolve) => stalled.once('response', resolve));
    // A stream that is not read keeps its window closed.
    await eventually('it is cut', () => isClosed || stalled.rstCode !== 0 || stalled.closed, 28_000);
    const other = session.request({ ':path': path });
    let taken = 0;
    for await (const chunk of other as AsyncIterable<Buffer>) taken += chunk.length;
    expect(taken).toBe(8 * 1024 * 1024);
  } finally {
    session.destroy();
    server.close();
  }
}, 60_000);
