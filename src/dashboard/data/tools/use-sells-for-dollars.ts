import { readPublicTools } from './public-tools.ts';
import { useQuery } from '../query.ts';
import { sellsForDollars } from './sells-for-dollars.ts';

const HOUR_SECONDS = 3600;

/** Whether the gateway sells for dollars; false until it is known. */
export const useSellsForDollars = (): boolean =>
  useQuery(
    'sells for dollars',
    async (_, signal) => sellsForDollars(await readPublicTools(signal)),
    HOUR_SECONDS,
  ).data === true;
