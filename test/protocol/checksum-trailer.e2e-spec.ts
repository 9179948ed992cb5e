import { createHash } from 'node:crypto';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { chunked, rawExchange } from '../harness/raw-socket.js';
import {
  createUpload,
  download,
  extensionsOf,
  offsetOf,
  OFFSET_STREAM,
  patch,
} from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess();
});

const sha1 = (text: string) => `sha1 ${createHash('sha1').update(text).digest('base64')}`;

async function patchWithTrailer(
  url: string,
  trailers: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Awaited<ReturnType<typeof rawExchange>>['response']> {
  const fields = {
    'Tus-Resumable': '1.0.0',
    'Content-Type': OFFSET_STREAM,
    'Upload-Offset': '0',
    'Transfer-Encoding': 'chunked',
    Trailer: 'Upload-Checksum',
    ...headers,
  };
  const body = chunked(['hel', 'lo'], trailers);
  return (await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, body)).response;
}

describe('checksum-trailer', () => {
  it('CS6: is announced', async () => {
    expect(await extensionsOf(server.url)).toContain('checksum-trailer');
  });

  it.each(['Upload-Checksum', 'upload-checksum'])(
    'CS6: a right checksum behind the body (%s) is 204',
    async (name) => {
      const url = await createUpload(server.url, 5);
      const response = await patchWithTrailer(url, { [name]: sha1('hello') }, { Trailer: name });
      expect([response.status, response.header('upload-offset')]).toEqual([204, '5']);
      expect((await download(url)).text).toBe('hello');
    },
  );

  it.each([
    ['wrong', { 'Upload-Checksum': sha1('HELLO') }, 460],
    ['announced but missing', {}, 400],
    ['malformed', { 'Upload-Checksum': 'sha1 ???' }, 400],
    ['of an unknown algorithm', { 'Upload-Checksum': 'sha3 YWJj' }, 400],
  ])('CS6: a checksum that is %s takes the chunk back', async (_, trailers, status) => {
    const url = await createUpload(server.url, 5);
    expect((await patchWithTrailer(url, trailers as Record<string, string>)).status).toBe(status);
    expect(await offsetOf(url)).toBe(0);
    expect((await patch(url, 0, 'HELLO')).status).toBe(204);
    expect((await download(url)).text).toBe('HELLO');
  });

  it('CS7: one in front and one behind is 400, and the offset stays', async () => {
    const url = await createUpload(server.url, 5);
    const response = await patchWithTrailer(
      url,
      { 'Upload-Checksum': sha1('hello') },
      { 'Upload-Checksum': sha1('hello') },
    );
    expect(response.status).toBe(400);
    expect(await offsetOf(url)).toBe(0);
  });

  it('CS6: does not look at trailers that were not announced as a checksum', async () => {
    const url = await createUpload(server.url, 5);
    const response = await patchWithTrailer(url, { 'X-Other': 'value' }, { Trailer: 'X-Other' });
    expect([response.status, response.header('upload-offset')]).toEqual([204, '5']);
  });
});
