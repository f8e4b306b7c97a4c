/** Types of `countersign/signer`. Like the types of `countersign/worker`, they only need the module `cloudflare:workers`. */
import type { DurableObject } from 'cloudflare:workers';

/** Keys, policies and log of one owner's agents. */
export declare class Keyring extends DurableObject {}

declare const signer: {
  fetch(request: Request, env: never): Promise<Response>;
  queue(batch: never, env: never): Promise<void>;
};
export default signer;
