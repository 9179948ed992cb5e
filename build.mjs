import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Builds what has changed: after `npm ci`, so that editors and `nest build` find the libs, and before `npm start`.
 * Where only production dependencies are installed there is no compiler; then what was built elsewhere is taken as it is.
 */
const root = import.meta.dirname;
const compiler = join(root, 'node_modules/typescript/bin/tsc');

if (existsSync(compiler)) {
  build();
} else if (process.env.npm_lifecycle_event === 'prestart' && !existsSync(join(root, 'dist/main.js'))) {
  console.error(
    'The server is not built, and the compiler is not installed: run `npm ci` without --omit=dev first.',
  );
  process.exitCode = 1;
}

function build() {
  try {
    execFileSync(process.execPath, [compiler, '-b'], { cwd: root, stdio: 'inherit' });
  } catch (error) {
    // The compiler has printed its complaints.
    process.exitCode = error.status ?? 1;
  }
}
