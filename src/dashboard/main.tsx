import './style.css';
import './inputs.css';
import './buttons.css';
import './tabs.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { offerLocalKeys } from './session/local-wallet.ts';
import { resumeSession } from './session/session.ts';
import { findWallets } from './session/find-wallets.ts';

offerLocalKeys();
findWallets();
await resumeSession();
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
