import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';

/** The Node library as its README sets it up. */
const [port, folder] = process.argv.slice(2);
const server = new Server({ path: '/files', datastore: new FileStore({ directory: folder }) });
server.listen({ port: Number(port), host: '127.0.0.1' });
