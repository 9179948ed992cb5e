import type { IncomingMessage } from 'node:http';
import { MemoryStore } from '../store/memory-store.js';
import { StoreComposer } from '../store/store-composer.js';
import { resolveConfig } from '../resolve-config.js';
import { IetfDialect } from './ietf.js';
import { DialectSelection } from './select-dialect.js';
import { TusV1Dialect } from './tus-v1.js';

const config = resolveConfig({ storeComposer: StoreComposer.of(new MemoryStore()) });
const tus = new TusV1Dialect({ config, extensions: '', verifies: true });
const both = new DialectSelection(tus, { config, verifies: true });
const tusOnly = new DialectSelection(tus, undefined);

function chosen(method: string, headers: Record<string, string>): string {
  const dialect = both.choose({ headers } as unknown as IncomingMessage, method);
  if (!(dialect instanceof IetfDialect)) return 'tus';
  const [name, value] = dialect.discover().headers;
  return name === 'Upload-Draft-Interop-Version' ? String(value) : 'newest';
}

describe('the protocol of a request', () => {
  it.each([
    ['POST', {}, 'tus'],
    ['POST', { 'tus-resumable': '1.0.0' }, 'tus'],
    ['POST', { 'tus-resumable': '0.1.0', 'upload-draft-interop-version': '9' }, 'tus'],
    ['POST', { 'tus-resumable': '1.0.0', 'upload-complete': '?1' }, 'tus'],
    ['HEAD', { 'upload-draft-interop-version': '9' }, '9'],
    ['HEAD', { 'upload-draft-interop-version': '3' }, '3'],
    ['HEAD', { 'upload-draft-interop-version': '6;x=y' }, '6'],
    ['POST', { 'upload-draft-interop-version': '2' }, 'tus'],
    ['POST', { 'upload-draft-interop-version': '10' }, 'tus'],
    ['POST', { 'upload-draft-interop-version': '10', 'upload-complete': '?0' }, 'newest'],
    ['POST', { 'upload-draft-interop-version': '6, 6', 'upload-complete': '?0' }, 'newest'],
    ['POST', { 'upload-complete': '?1' }, 'newest'],
    ['POST', { 'upload-complete': '1' }, 'tus'],
    ['POST', { 'upload-incomplete': '?1' }, 'tus'],
    ['PATCH', { 'content-type': 'application/partial-upload' }, 'newest'],
    ['PATCH', { 'content-type': 'Application/Partial-Upload; a=b' }, 'newest'],
    ['PATCH', { 'content-type': 'application/offset+octet-stream' }, 'tus'],
    ['POST', { 'content-type': 'application/partial-upload' }, 'tus'],
  ])('%s with %j is %s', (method, headers, protocol) => {
    expect(chosen(method, headers as Record<string, string>)).toBe(protocol);
  });

  it('is always tus while the draft is not served', () => {
    const headers = { 'upload-draft-interop-version': '9', 'upload-complete': '?1' };
    expect(tusOnly.choose({ headers } as unknown as IncomingMessage, 'POST')).toBe(tus);
  });
});
