import { useState } from 'preact/hooks';
import { sessionNetwork } from '../../data/changes/act.ts';
import { endAllSessions } from '../../data/session/end-all-sessions.ts';
import { sessionWallet } from '../../data/gateway/gateway.ts';
import { gatewayNow } from '../../data/gateway/gateway-clock.ts';
import { shortened } from '../../format/text.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { signOut } from '../../session/session.ts';

/** Ends every session of the wallet, for example that of a lost device. */
export const Sessions = () => {
  const [isOpen, setOpen] = useState(false);
  const wallet = sessionWallet.value;
  if (wallet === undefined) return null;
  const network = sessionNetwork();
  return (
    <>
      <p class="muted">
        Signs your wallet out of this gateway on {network}, in every browser: do this after you lost
        a device.
      </p>
      <div class="acts">
        <button type="button" onClick={() => setOpen(true)}>
          Sign out everywhere
        </button>
      </div>
      {isOpen ? (
        <ActDialog
          title="Sign out everywhere?"
          verb="Sign out"
          isDangerous
          change={() => endAllSessions(wallet, location.origin, gatewayNow())}
          onDone={() => void signOut()}
          onClose={() => setOpen(false)}
        >
          <p>
            The gateway ends all sessions of {shortened(wallet.signer.address)} on {network}: every
            browser of this wallet, also this one, is signed out here.
          </p>
          <p>
            Running agents are not touched: they sign with their own keys. To stop an agent, pause,
            freeze or revoke it on its page.
          </p>
        </ActDialog>
      ) : null}
    </>
  );
};
