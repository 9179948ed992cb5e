import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { serveBare } from './bare.mjs';

serveBare((body, path) => pipeline(body, createWriteStream(path, { flags: 'a' })));
