import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const file = (name: string) => readFileSync(join(import.meta.dirname, 'tls', name), 'utf8');

/** A certificate for localhost that signs itself; its key protects nothing, and is known to everybody. */
export const TLS = { key: file('key.pem'), cert: file('cert.pem') };
