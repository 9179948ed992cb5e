import { existsSync } from 'node:fs';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../dist/main.js');
const program = (file) => join(import.meta.dirname, 'servers', file);
const always = () => true;

/** The server of this repository: what the others are compared with. */
export const OURS = 'nestjs-tus';

/**
 * Who takes part. Each serves `/files/` on 127.0.0.1 with its defaults and keeps uploads in a folder; `command` gives
 * the program and its arguments.
 */
export const SERVERS = {
  [OURS]: {
    title: 'nestjs-tus (npm start)',
    isThere: () => existsSync(main),
    needs: 'npm run build',
    command: ({ port, folder }) => [
      process.execPath,
      main,
      ...['--host', '127.0.0.1', '--port', String(port), '--upload-dir', folder],
    ],
  },
  core: {
    title: '@nestjs-tus/core on bare node:http',
    isThere: always,
    command: ({ port, folder }) => [process.execPath, program('core.mjs'), String(port), folder],
  },
  'tus-node-server': {
    title: '@tus/server with @tus/file-store',
    isThere: always,
    command: ({ port, folder }) => [process.execPath, program('tus-node-server.mjs'), String(port), folder],
  },
  tusd: {
    title: 'tusd',
    isThere: () => Boolean(process.env.TUSD),
    needs: 'the variable TUSD with the path of a binary',
    command: ({ port, folder }) => [
      process.env.TUSD,
      ...[
        '-host',
        '127.0.0.1',
        '-port',
        String(port),
        '-upload-dir',
        folder,
        '-base-path',
        '/files/',
        '-verbose=false',
      ],
    ],
  },
  'bare-pipeline': {
    title: 'bare node:http, pipeline to a write stream',
    isThere: always,
    command: ({ port, folder }) => [process.execPath, program('bare-pipeline.mjs'), String(port), folder],
  },
  'bare-writev': {
    title: 'bare node:http, gathered writev',
    isThere: always,
    command: ({ port, folder }) => [process.execPath, program('bare-writev.mjs'), String(port), folder],
  },
};
