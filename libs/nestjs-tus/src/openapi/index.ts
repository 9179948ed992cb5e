export { ApiTusUploads, type ApiTusUploadsOptions } from './api-tus-uploads.js';
