export { TusExpressAdapter } from './tus-express-adapter.js';
