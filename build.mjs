import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Builds what has changed: after `npm ci`, so that editors and `nest build` find the libs, and before `npm start`.
 * Where only production dependencies are installed, the compiler or the types that it reads are missing; then what was built
 * elsewhere is taken as it is.
 */
const root = import.meta.dirname;

if (hasDevDependencies()) {
  build();
} else if (process.env.npm_lifecycle_event === 'prestart' && !isBuilt()) {
  console.error(
    'The server or a lib is not built, and without development dependencies it cannot be: ' +
      'run `npm ci` without --omit=dev, or copy `dist` and `libs/*/dist` here from where it was built.',
  );
  process.exitCode = 1;
}

/** All of them: npm installs some, the compiler among them, for production too when an optional peer names them. */
function hasDevDependencies() {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.keys(devDependencies).every((name) => existsSync(join(root, 'node_modules', name)));
}

function isBuilt() {
  const libs = readdirSync(join(root, 'libs')).map((lib) => join('libs', lib, 'dist/index.js'));
  return ['dist/main.js', ...libs].every((file) => existsSync(join(root, file)));
}

function build() {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [compiler, '-b'], { cwd: root, stdio: 'inherit' });
  } catch (error) {
    // The compiler has printed its complaints.
    process.exitCode = error.status ?? 1;
  }
}
