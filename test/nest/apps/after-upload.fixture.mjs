import { FileLocker, FileStore } from '@nestjs-tus/file-store';
import { serveAfterUpload } from './after-upload-app.mjs';

// Arguments: the folder, and `ends` or `hangs`.
const [directory, job] = process.argv.slice(2);

await serveAfterUpload(
  {
    store: { useFactory: () => new FileStore({ directory }) },
    locker: { useFactory: () => new FileLocker({ directory }) },
  },
  job,
);
