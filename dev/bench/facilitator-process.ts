import { startFacilitator } from '../stack/facilitator.ts';

/** The facilitator of the bench as a program: `node facilitator-process.ts RPC PORT`. */
const [rpc, port] = process.argv.slice(2);
if (rpc === undefined || port === undefined) throw new Error('RPC and PORT are missing.');
await startFacilitator({ rpc, port: Number(port) });
