// A button beside each notice that copies it; shown only where the browser can.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const notice = button.closest(".notice");
    await navigator.clipboard.writeText([notice.querySelector("h3"), notice.querySelector(".notice-body")].map((part) => part.textContent).join("\n"));
    button.classList.add("primary");
    setTimeout(() => button.classList.remove("primary"), 1200);
  });
}
