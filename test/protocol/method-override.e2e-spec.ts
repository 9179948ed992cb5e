import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import { createUpload, download, head, offsetOf, OFFSET_STREAM, send } from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess();
});

const override = (method: string) => ({ 'Tus-Resumable': '1.0.0', 'X-HTTP-Method-Override': method });

describe('X-HTTP-Method-Override', () => {
  it('C8: makes a POST a PATCH', async () => {
    const url = await createUpload(server.url, 5);
    const fields = { ...override('PATCH'), 'Content-Type': OFFSET_STREAM, 'Upload-Offset': '0' };
    const reply = await send('POST', url, fields, 'hello');
    expect([reply.status, reply.headers['upload-offset']]).toEqual([204, '5']);
    expect((await download(url)).text).toBe('hello');
  });

  it('C8: makes a POST a DELETE', async () => {
    const url = await createUpload(server.url, 5);
    expect((await send('POST', url, override('DELETE'))).status).toBe(204);
    expect([404, 410]).toContain((await head(url)).status);
  });

  it('C8: makes a POST a HEAD, answered without a body', async () => {
    const url = await createUpload(server.url, 5);
    const fields = { ...override('HEAD'), 'Content-Length': '0' };
    const { response } = await rawExchange(server.port, 'POST', new URL(url).pathname, fields);
    expect([response.status, response.header('upload-offset')]).toEqual([200, '0']);
    expect(response.body).toHaveLength(0);
  });

  it('C8: wins over the method when the request is routed and validated', async () => {
    const url = await createUpload(server.url, 5);
    const asCreation = await send('POST', url, { ...override('PATCH'), 'Upload-Length': '5' });
    expect(asCreation.status).toBe(400);
    expect(asCreation.text).toMatch(/^ERR_INVALID_/);
    expect(await offsetOf(url)).toBe(0);
  });

  it('C8: creates nothing when it makes something else of a POST to the collection', async () => {
    const before = (await server.uploads()).length;
    const reply = await send('POST', server.url, { ...override('PATCH'), 'Upload-Length': '5' });
    expect(reply.status).toBe(405);
    expect(await server.uploads()).toHaveLength(before);
  });

  it.each(['BREW', 'PUT', 'TRACE', 'PATCH, DELETE'])(
    'C8: %s is 405 with the methods there are',
    async (method) => {
      const url = await createUpload(server.url, 5);
      const reply = await send('POST', url, override(method));
      expect(reply.status).toBe(405);
      expect(reply.headers.allow).toMatch(/PATCH/);
      expect(reply.headers['tus-resumable']).toBe('1.0.0');
    },
  );
});
