// Makes link(2) fail as file systems without hard links let it fail: `node --import …/no-hard-links.mjs`, the code in NO_HARD_LINKS.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const code = process.env.NO_HARD_LINKS ?? 'EPERM';
fs.promises.link = async (path) => {
  throw Object.assign(new Error(`${code}: link '${path}'`), { code, syscall: 'link' });
};
syncBuiltinESMExports();
