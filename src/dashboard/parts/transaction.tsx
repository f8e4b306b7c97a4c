import { explorerLink } from '../../protocol/explorer.ts';
import { Id } from './copy.tsx';

/** A transaction by its hash, with the page of a public explorer that we know. */
export const Transaction = ({
  network,
  hash,
}: {
  /** CAIP-2. */
  readonly network: string;
  readonly hash: string | undefined;
}) => {
  if (hash === undefined) return <>–</>;
  const url = explorerLink(network, hash);
  return (
    <>
      <Id text={hash} label="the transaction hash" />{' '}
      {url === undefined ? null : (
        <a href={url} rel="noopener noreferrer" target="_blank">
          explorer
        </a>
      )}
    </>
  );
};

/** The network of a CAIP-10 account. */
export const networkOf = (account: string): string => account.slice(0, account.lastIndexOf(':'));
