import { MemoryStore, type FileInfo, type StoreContext, type Upload } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { startInProcess } from '../harness/in-process-server.js';
import { RawSocket } from '../harness/raw-socket.js';
import { createUpload, head } from '../harness/tus-requests.js';

const GRACE_MS = 200;

/** A memory store that opens something for each operation, and is to close it at its end. */
class OpeningStore extends MemoryStore {
  opened = 0;
  seized: unknown[] = [];

  override newUpload(info: FileInfo, context: StoreContext): Promise<Upload> {
    this.open(context);
    return super.newUpload(info, context);
  }

  override getUpload(id: string, context: StoreContext): Promise<Upload> {
    if (context.lock) this.seized.push(context.lock.seized);
    this.open(context);
    return super.getUpload(id, context);
  }

  private open(context: StoreContext): void {
    if (!context.defer) return;
    this.opened += 1;
    context.defer(() => void (this.opened -= 1));
  }
}

const TUS = { 'Tus-Resumable': '1.0.0' };
const WITH_BODY = { ...TUS, 'Content-Type': 'application/offset+octet-stream', 'Content-Length': '5' };

describe('a request whose hook never ends', () => {
  it.each([
    ['PATCH', 'preFinishResponseCallback', { ...WITH_BODY, 'Upload-Offset': '0' }],
    ['POST', 'preFinishResponseCallback', { ...WITH_BODY, 'Upload-Length': '5' }],
    ['POST', 'preUploadCreateCallback', { ...WITH_BODY, 'Upload-Length': '5' }],
    ['DELETE', 'preUploadTerminateCallback', TUS],
  ])('gives back all that it has opened when its client is gone (%s, %s)', async (method, hook, headers) => {
    let hangs = false;
    let calls = 0;
    const store = new OpeningStore();
    const server = await startInProcess({
      store,
      gracefulRequestCompletionTimeout: GRACE_MS,
      [hook]: () => {
        if (!hangs) return undefined;
        calls += 1;
        return new Promise<never>(() => undefined);
      },
    });
    const url = await createUpload(server.url, 5);
    hangs = true;
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead(method, method === 'POST' ? '/files/' : new URL(url).pathname, headers);
    if (headers !== TUS) await socket.send('hello');
    await eventually('the hook is asked', () => calls > 0);
    socket.reset();
    await eventually('the request is over', () => server.handler.metrics.requestsInFlight === 0);
    await eventually('nothing is open', () => store.opened === 0);
    hangs = false;
    store.seized = [];
    expect((await head(url)).status).toBe(200);
    // What waits for the hook alone has written nothing since: nothing has to be looked at anew.
    expect(store.seized).not.toContain(true);
  });
});
