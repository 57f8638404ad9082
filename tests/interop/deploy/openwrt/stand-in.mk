# A stand-in for OpenWrt's build system, as far as our package asks for it: prepares the sources,
# takes the program PROGRAM for the built one, and installs into ROOT.
INCLUDE_DIR:=$(TOPDIR)/include
CP:=cp -fpR
INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_CONF:=install -m0600
RUST_ARCH_DEPENDS:=@(x86_64)
PKG_BUILD_DIR=$(TOPDIR)/build
PKG_INSTALL_DIR=$(TOPDIR)/built

define Build/Compile
	mkdir -p $(PKG_INSTALL_DIR)/bin
	cp $(PROGRAM) $(PKG_INSTALL_DIR)/bin/mcp-endpoint-server
endef

define BuildPackage
all:
	@echo '$(PKG_VERSION)'
	$(Build/Prepare)
	$(Build/Compile)
	$(call Package/$(1)/install,$(TOPDIR)/root)
endef
