import { serveEngine } from './engine-app.mjs';
import { serveNest } from './nest-app.mjs';

/** Runs one app. Arguments: its name, its folder of uploads. Writes the line `ready at`, and ends with 0 on SIGTERM. */
const [name, folder] = process.argv.slice(2);
await (name === 'engine' ? serveEngine(folder) : serveNest(name, folder));
