import { createServer } from 'node:http';
import { StoreComposer, TusHandler } from '@nestjs-tus/core';
import { oddHooks } from '../odd/hooks.mjs';
import { listenOddly } from '../odd/listeners.mjs';
import { oddLogger } from '../odd/logger.mjs';
import { behaviour, lockerOf, storeIn } from './settings.mjs';

/** The engine as docs/from-tusd.md shows it: nothing catches what `handle` might reject with. */
export async function serveEngine(folder) {
  const hooks = oddHooks();
  const handler = new TusHandler({
    ...behaviour(),
    storeComposer: StoreComposer.of(storeIn(folder), lockerOf('file', folder)),
    logger: oddLogger(),
    preUploadCreateCallback: hooks.preUploadCreate,
    preFinishResponseCallback: hooks.preFinishResponse,
    preUploadTerminateCallback: hooks.preUploadTerminate,
    postFinishCallback: hooks.postFinish,
  });
  for (const name of ['created', 'progress', 'completed', 'terminated', 'expired']) {
    handler.events.on(name, (event) => listenOddly(name, event));
  }
  await handler.init();
  const server = createServer(
    { maxHeaderSize: 64 * 1024, requestTimeout: 0 },
    (req, res) => void handler.handle(req, res),
  );
  handler.acceptContinue(server, () => true);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await handler.resume();
  process.once('SIGTERM', () => void close(server, handler));
  process.stdout.write(`ready at http://127.0.0.1:${server.address().port}/files/\n`);
}

async function close(server, handler) {
  const closed = new Promise((resolve) => server.close(resolve));
  await handler.shutdown();
  server.closeAllConnections();
  await closed;
  process.exit(0);
}
