import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { RawSocket } from './raw-socket.js';
import { OFFSET_STREAM } from './tus-requests.js';

/** A PATCH whose head is sent and whose body comes as a test wants it. */
export async function openPatch(
  url: string,
  {
    offset,
    length,
    headers = {},
  }: { offset: number; length: number | 'chunked'; headers?: Record<string, string> },
): Promise<RawSocket> {
  const { port, pathname } = new URL(url);
  const socket = await RawSocket.connect(Number(port));
  await socket.sendHead('PATCH', pathname, {
    'Tus-Resumable': '1.0.0',
    'Content-Type': OFFSET_STREAM,
    'Upload-Offset': String(offset),
    ...(length === 'chunked' ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(length) }),
    ...headers,
  });
  return socket;
}

export function idOf(url: string): string {
  return new URL(url).pathname.split('/').at(-1) ?? '';
}

/** How many bytes of an upload are in its file, verified or not. */
export async function fileSizeOf(uploadDir: string, url: string): Promise<number> {
  const found = await stat(join(uploadDir, idOf(url))).catch(() => undefined);
  return found?.size ?? 0;
}

/** Waits until an upload's file has at least `size` bytes. */
export async function storedInFile(uploadDir: string, url: string, size: number): Promise<void> {
  await eventually(`${size} bytes in the file`, async () => (await fileSizeOf(uploadDir, url)) >= size);
}

/** The same upload, on another server. */
export function on(base: string, url: string): string {
  return new URL(idOf(url), base).href;
}
