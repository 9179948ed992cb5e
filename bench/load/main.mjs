import { bigPatch } from './big-patch.mjs';
import { overConnections } from './over-connections.mjs';
import { create, creationWithUpload, head } from './requests.mjs';

const CONNECTIONS = 16;
const SMALL = 1024;

/** The loads by name. Each gives `{ seconds }`. */
const LOADS = {
  patch: bigPatch,
  small({ port, count }) {
    const request = Buffer.concat([Buffer.from(creationWithUpload(SMALL)), Buffer.alloc(SMALL, 'x')]);
    return overConnections({ port, connections: CONNECTIONS, count, request, status: 201 });
  },
  async head({ port, count }) {
    const request = Buffer.from(head(await create(port, SMALL)));
    return overConnections({ port, connections: CONNECTIONS, count, request, status: 200 });
  },
};

// A process of its own: its work is not counted as the server's, and takes the other core.
const [name, parameters] = process.argv.slice(2);
console.log(JSON.stringify(await LOADS[name](JSON.parse(parameters))));
