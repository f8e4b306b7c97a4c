import { sellsForDollars } from './sells-for-dollars.ts';
import { usePublicTools } from './use-public-tools.ts';

/** Whether the gateway sells for dollars; false until it is known. */
export const useSellsForDollars = (): boolean => sellsForDollars(usePublicTools());
