import { explorerLink } from '../../protocol/explorer.ts';
import { Id } from './id.tsx';
import { Icon } from './icon.tsx';
import './transaction.css';

/** A transaction by its hash, with a link to a known public explorer. */
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
    <span class="transaction">
      <Id text={hash} label="the transaction hash" />
      {url === undefined ? null : (
        <a
          class="out"
          href={url}
          rel="noopener noreferrer"
          target="_blank"
          title="Open in the explorer"
          aria-label="explorer"
        >
          <Icon path="M14 4h6v6M20 4l-9 9M18 14v6H4V6h6" />
        </a>
      )}
    </span>
  );
};
