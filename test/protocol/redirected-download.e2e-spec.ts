import { MemoryStore, type ServedContent, type StoreContext, type Upload } from '@nestjs-tus/core';
import { startInProcess } from '../harness/in-process-server.js';
import { createUpload, download, patch, storeUpload } from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

const ELSEWHERE = 'https://s3.example.com/object?signature=1';

/** A store whose content is served by somebody else. */
class ServedElsewhere extends MemoryStore {
  readonly asked: ServedContent[] = [];
  url: string | undefined = ELSEWHERE;

  override async getUpload(id: string, context: StoreContext): Promise<Upload> {
    const upload = await super.getUpload(id, context);
    return Object.assign(upload, {
      getDownloadUrl: async (served: ServedContent) => {
        this.asked.push(served);
        return this.url;
      },
    });
  }
}

describe('GET with a store that names somebody who serves the content', () => {
  const start = async () => {
    const store = new ServedElsewhere();
    return { ...(await startInProcess({ store })), store };
  };

  it('is a redirect that no cache keeps', async () => {
    const { url } = await start();
    const reply = await download(await storeUpload(url, 'content'));
    expect(reply).toMatchObject({ status: 302, text: '' });
    expect(reply.headers).toMatchObject({ location: ELSEWHERE, 'cache-control': 'no-store' });
    expect(reply.headers['content-type']).toBeUndefined();
  });

  it('tells the store how the content is to be served', async () => {
    const { url, store } = await start();
    const metadata = `filename ${base64('Größe.html')},filetype ${base64('text/html')}`;
    await download(await storeUpload(url, 'content', { 'Upload-Metadata': metadata }));
    expect(store.asked).toEqual([
      {
        contentType: 'text/html',
        contentDisposition: `attachment;filename="Gr??e.html";filename*=UTF-8''Gr%C3%B6%C3%9Fe.html`,
      },
    ]);
  });

  it.each([{ Range: 'bytes=100-' }, { 'If-None-Match': '*' }, { 'If-Match': '"of the other"' }])(
    'leaves %j to who serves it',
    async (headers) => {
      const { url } = await start();
      expect((await download(await storeUpload(url, 'content'), headers)).status).toBe(302);
    },
  );

  it('serves by itself what the store has no URL for', async () => {
    const server = await start();
    server.store.url = undefined;
    expect(await download(await storeUpload(server.url, 'content'))).toMatchObject({
      status: 200,
      text: 'content',
    });
  });

  it('asks for no URL of what is empty or not finished', async () => {
    const { url, store } = await start();
    expect((await download(await createUpload(url, 0))).status).toBe(200);
    const half = await createUpload(url, 10);
    await patch(half, 0, 'hello');
    expect((await download(half)).status).toBe(400);
    expect(store.asked).toEqual([]);
  });
});
