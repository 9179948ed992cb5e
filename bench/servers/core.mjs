import { MemoryLocker, StoreComposer, TusHandler } from '@nestjs-tus/core';
import { FileStore } from '@nestjs-tus/file-store';
import { createServer } from 'node:http';

/** The engine without Nest: what the module adds is the difference. */
const [port, folder] = process.argv.slice(2);
const handler = new TusHandler({
  storeComposer: StoreComposer.of(new FileStore({ directory: folder }), new MemoryLocker()),
});
await handler.init();
createServer((req, res) => handler.handle(req, res)).listen(Number(port), '127.0.0.1');
