# The plugin for iOS and macOS. Headers of other projects come from the folder that the environment
# variable LP_DEPENDENCIES_DIR names (flutter_bridge/tools/get_dependencies.sh says what is in it);
# ONNX Runtime comes as its pod.
headers = ENV.fetch('LP_DEPENDENCIES_DIR', '')

Pod::Spec.new do |s|
  s.name             = 'lp_pack_flutter'
  s.version          = '0.1.0'
  s.summary          = 'Plays lp-pack bundles: sound goes in, a talking face comes out.'
  s.homepage         = 'https://example.com/lp-pack'
  s.license          = { :type => 'Apache-2.0' }
  s.author           = 'lp-pack'
  s.source           = { :path => '.' }
  s.source_files     = 'Classes/**/*.{h,mm,cpp}'
  s.public_header_files = 'Classes/LpPackPlugin.h'

  s.ios.dependency 'Flutter'
  s.osx.dependency 'FlutterMacOS'
  s.ios.deployment_target = '15.1'
  s.osx.deployment_target = '13.3'
  s.dependency 'onnxruntime-c', '~> 1.20'

  s.libraries = 'c++'
  s.frameworks = 'CoreML', 'CoreVideo'
  bridge = '$(PODS_TARGET_SRCROOT)/../..'
  s.pod_target_xcconfig = {
    'DEFINES_MODULE' => 'YES',
    'CLANG_CXX_LANGUAGE_STANDARD' => 'c++17',
    'CLANG_ENABLE_OBJC_ARC' => 'YES',
    'GCC_SYMBOLS_PRIVATE_EXTERN' => 'YES',
    'GCC_PREPROCESSOR_DEFINITIONS' => '$(inherited) LP_BRIDGE_BUILDING=1',
    'HEADER_SEARCH_PATHS' => [
      "\"#{bridge}/include\"", "\"#{bridge}/src\"", "\"#{bridge}/flutter/src\"",
      "\"#{headers}/include\"", "\"#{headers}/usr/include\"", "\"#{headers}/usr/include/stb\"",
      "\"#{headers}/usr/include/onnxruntime\"",
      '"${PODS_ROOT}/onnxruntime-c/onnxruntime.xcframework/Headers"',
    ].join(' '),
  }
  # Dart finds lp_open and the bridge finds OrtGetApiBase by name in the process: a linker that sees
  # no call must keep them all the same.
  s.user_target_xcconfig = { 'OTHER_LDFLAGS' => '$(inherited) -Wl,-u,_OrtGetApiBase -Wl,-u,_lp_open' }
end
