// Drives a real browser: one order a line on standard input, as JSON, one answer a line on
// standard output. The browser ends with standard input. Usage: node driver.mjs CHROMIUM
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const TIMEOUT = 20000;
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  // A name that is not this machine's, to see a page on plain http as devices do.
  '--host-resolver-rules=MAP device.test 127.0.0.1'];

const browser = await chromium.launch({ executablePath: process.argv[2], args: FLAGS });
let page;
const troubles = [], requests = [], writes = [];

const orders = {
  async open({ locale, width, height, dark, clipboard }) {
    const context = await browser.newContext({
      locale, viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce',
      isMobile: width < 500, hasTouch: width < 500, permissions: clipboard ? ['clipboard-read', 'clipboard-write'] : [],
    });
    context.setDefaultTimeout(TIMEOUT);
    page = await context.newPage();
    // What hostile names would call, and what a browser says of a page that breaks its own policy.
    await page.addInitScript(() => {
      window.broken = [];
      addEventListener('securitypolicyviolation', (event) => window.broken.push(`${event.violatedDirective} ${event.blockedURI}`));
    });
    page.on('pageerror', (error) => troubles.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => { troubles.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('console', (message) => { if (/policy|refused to/i.test(message.text())) troubles.push(message.text()); });
    page.on('request', (request) => {
      requests.push(request.url());
      if (request.method() !== 'GET') writes.push({ method: request.method(), url: request.url(), body: request.postData() });
    });
  },
  goto: ({ url }) => page.goto(url).then(() => null),
  fill: ({ at, text }) => page.fill(at, text),
  choose: ({ at, text }) => page.selectOption(at, { label: text }).then(() => null),
  click: ({ at }) => page.click(at),
  press: ({ text }) => page.keyboard.press(text),
  // Waits until what is seen of an element contains a text.
  see: ({ at, text }) => page.locator(at, { hasText: text }).filter({ visible: true }).first().waitFor(),
  // Waits until nothing that is seen of such elements contains a text.
  miss: ({ at, text }) => page.locator(at, { hasText: text }).filter({ visible: true }).first().waitFor({ state: 'detached' }),
  // Waits until an expression is true. What playwright has for this, the page's policy forbids.
  async until({ text }) {
    for (const end = Date.now() + TIMEOUT; !(await page.evaluate(text)); await page.waitForTimeout(50)) {
      if (Date.now() > end) throw new Error('it did not become true in time');
    }
  },
  evaluate: ({ text }) => page.evaluate(text),
  async shoot({ text, whole }) {
    await page.screenshot({ path: text, fullPage: whole });
  },
  async troubles() {
    return [...troubles, ...(await page.evaluate(() => window.broken))];
  },
  requests: () => requests,
  writes: () => writes,
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await orders[order.do](order)) ?? null };
  } catch (error) {
    const seen = await page?.locator('body').innerText({ timeout: 1000 }).catch(() => '');
    answer = { error: `${error.message}\n--- the page shows:\n${seen}` };
  }
  console.log(JSON.stringify(answer));
}
await browser.close();
