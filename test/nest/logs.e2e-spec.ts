import { MemoryStore, TusModule } from 'nestjs-tus';
import { append, create, idOf, send, TUS } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('logs', (startApp) => {
  async function logged(store: MemoryStore = new MemoryStore()) {
    const lines: string[] = [];
    const write = (text: string) => void lines.push(text);
    const logger = { log: write, warn: write, error: write, debug: write };
    const { url } = await startApp({ imports: [TusModule.forRoot({ store: { useValue: store }, logger })] });
    lines.length = 0;
    return { lines, url: `${url}/files` };
  }

  describe('the log', () => {
    it('names the upload and the request of each step', async () => {
      const { lines, url } = await logged();
      const one = await create(url, 5, { 'X-Request-ID': 'r-create' });
      await append(one, 0, 'hello', { 'X-Request-ID': 'r-append' });
      await append(one, 9, 'hello', { 'X-Request-ID': 'r-refused' });
      await send('DELETE', one, TUS);
      const id = idOf(one);
      expect(lines).toEqual([
        `event="UploadCreated" id="${id}" size="5" requestId="r-create"`,
        `event="UploadFinished" id="${id}" size="5" requestId="r-append"`,
        `event="RequestRefused" method="PATCH" path="/files/${id}" status="409" code="ERR_MISMATCHED_OFFSET" requestId="r-refused"`,
        `event="UploadTerminated" id="${id}"`,
      ]);
    });

    it('takes no more than 36 characters of a request id, and quotes them', async () => {
      const { lines, url } = await logged();
      await create(url, 5, { 'X-Request-ID': `a"b ${'x'.repeat(100)}` });
      expect(lines).toEqual([expect.stringContaining(` requestId="a\\"b ${'x'.repeat(32)}"`)]);
    });

    it('names both with a failure, whose text the client does not see', async () => {
      const store = Object.assign(new MemoryStore(), {
        getUpload: () => Promise.reject(new Error('disk 7 is broken')),
      });
      const { lines, url } = await logged(store);
      const answer = await send('PATCH', `${url}/f00`, {
        ...TUS,
        'Content-Type': 'application/offset+octet-stream',
        'Upload-Offset': 0,
        'X-Request-ID': 'r-1',
      });
      expect([answer.status, answer.body]).toEqual([500, expect.not.stringContaining('disk')]);
      expect(lines).toEqual(['PATCH /files/f00 failed: ERR_INTERNAL_SERVER_ERROR id="f00" requestId="r-1"']);
    });
  });
});
