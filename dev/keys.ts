/** `npm run keys`: prints a new RECEIPT_KEY, the Ed25519 key that signs receipts and assertions. */
import { newReceiptKey } from '../src/cli/init/files.ts';

console.log(await newReceiptKey());
