import { startFacilitator } from './facilitator.ts';

/** The facilitator as a program: `node facilitator-program.ts RPC PORT`. */
const [rpc, port] = process.argv.slice(2);
if (rpc === undefined || port === undefined) throw new Error('RPC and PORT are missing.');
await startFacilitator({ rpc, port: Number(port) });
