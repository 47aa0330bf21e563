// SPDX-License-Identifier: MPL-2.0
// First of all, so that its file is on its way while the rest is read.
import { first, here, prepareAll } from './screens';
import './styles';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { uiBase } from '../api/client';
import { readAhead } from './ahead';
import { AmbientLinks } from '../components/link';
import { updates } from './live';
import { nonce } from './nonce';
import { queries } from './query';
import { Routes } from './routes';
import { Shell } from './shell';
import { theme, variables } from './theme';

const root = document.getElementById('root');

function start(root: HTMLElement) {
  createRoot(root).render(
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <Router base={uiBase.pathname.replace(/\/$/, '')}>
          <AmbientLinks>
            <Shell>
              <Routes />
            </Shell>
          </AmbientLinks>
        </Router>
      </QueryClientProvider>
    </MantineProvider>,
  );
  updates.start();
  // What may be looked at next is read when the first screen has had its time.
  setTimeout(() => void prepareAll(), 3000);
}

readAhead(here, window.location.search);
if (root) void first.then(() => start(root));
