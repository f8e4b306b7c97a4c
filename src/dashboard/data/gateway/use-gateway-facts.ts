import { useEffect, useState } from 'preact/hooks';
import { type GatewayFacts, readGatewayFacts } from './gateway-facts.ts';

/** The gateway's description of itself; undefined until it is known. */
export const useGatewayFacts = (): GatewayFacts | undefined => {
  const [facts, setFacts] = useState<GatewayFacts | undefined>(undefined);
  useEffect(() => {
    void readGatewayFacts().then(setFacts, () => undefined);
  }, []);
  return facts;
};
