import type { IncomingMessage } from 'node:http';

/** The ids that an Upload-Concat header seems to name, for guards: nothing of it is checked yet. */
export function peekPartialIds(req: IncomingMessage): string[] | undefined {
  const header = req.headers['upload-concat'];
  if (typeof header !== 'string' || !header.startsWith('final;')) return undefined;
  return header
    .slice('final;'.length)
    .split(' ')
    .filter(Boolean)
    .map((url) => url.slice(url.lastIndexOf('/') + 1));
}
